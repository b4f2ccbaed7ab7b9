"""A year of a real grocer's tills, played to Tekil as the world would tell it: `tekil replay completejourney`."""
