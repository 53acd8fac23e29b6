"""Pictures of frames for people to look at, made from the float data by a small process of its own.

The service itself decodes no picture: a hostile or damaged file ends the reader, which is then started anew.
`reader` is the service's side; `python -m service.previews` the other one. Neither loads torch.
"""
