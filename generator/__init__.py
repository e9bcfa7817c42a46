"""The generator: measures frameworks in their own environments and renders the comparison."""
