"""Tests: unit/ mirrors harmonize/, cases/ runs every profile's cases, properties/, contracts/, external/, bench/, soak/."""
