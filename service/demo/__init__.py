"""Shows the whole road on one machine: paints a shot with known alpha, keys it through a real service, measures it."""
