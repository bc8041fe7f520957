"""What defaults and bounds rest on."""
