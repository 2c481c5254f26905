#!/usr/bin/env node
/** The command `fleet-q`. */
import { main } from './cli/main.js';

await main(process.argv.slice(2));
