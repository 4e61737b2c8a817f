"""The systems of the example group, each as its own team would write it.

Start with `systems/newsletter.py`. Of this project, these modules import `dsr_sdk` alone.
"""
