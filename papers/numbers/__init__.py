"""What a township comes to in numbers: key figures, the hundred points, the league, signals for people, and the forecast."""
