// Filled in below: the leak guard.
export {};
