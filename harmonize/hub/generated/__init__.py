"""Generated from harmonize/hub/schema. Do not edit."""
