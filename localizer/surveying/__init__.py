"""What the surveyor's app works out: pure functions without storage, network or clock."""
