"""One plan, form by form: what it holds, and what units that leave or enter a rack change."""
