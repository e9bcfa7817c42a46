"""What the campaign of campaign.py tries, and how it counts."""
