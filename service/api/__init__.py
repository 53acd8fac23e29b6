"""The service's HTTP: routes, their schemas, and who is let in. Never loads torch."""

from service.api.app import create_app

__all__ = ["create_app"]
