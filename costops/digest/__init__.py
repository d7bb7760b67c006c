"""What a person wants to know of an applied version at a glance: cost per element and month, money per rule."""
