"""What happens to a connection before the application sees a request, and the server itself."""
