"""Attribution: from whose stock, into whose budget, to whose performance. Anyone can ask why."""
