"""A second computation of a report's figures, from the raw files of its runs alone.

It shares no code with labctl. Each module holds the figures of one subject, each function one
figure with its definition.
"""
