"""What other teams read instead of our code: schemas, samples, AsyncAPI and an index, generated into docs/contracts."""
