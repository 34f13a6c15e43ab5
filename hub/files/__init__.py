"""Result files and documents: kept by their content, taken in by upload or from an address, handed out by signed links."""
