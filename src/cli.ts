#!/usr/bin/env node
/** The command `fleet-q`. */
export {};
