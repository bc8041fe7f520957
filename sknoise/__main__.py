"""``python -m sknoise`` prints the versions."""

from sknoise import show_versions

if __name__ == "__main__":
    show_versions()
