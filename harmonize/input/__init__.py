"""Input: the doors by which untrusted bytes enter, one a format. Readers build on them; nothing else opens input."""
