"""What all services stand on: values, the published language, the engine and the runtime."""
