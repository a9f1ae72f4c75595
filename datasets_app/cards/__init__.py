"""What is told about a release for machines and authorities: the summary of training content and the data card in Croissant.

Both are made from the release's manifest and rows when they are asked for, so that nothing of a withdrawn release stays behind.
They name licences, languages and places, and no owner.
"""
