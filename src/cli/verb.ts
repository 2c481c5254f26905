/** What a verb of the command line is made of. */
import type { Command } from 'commander';
import type { ExitCode } from './exit-codes.js';
import type { Io } from './io.js';

/** The headings of `fleet-q --help`. */
export type VerbGroup = 'Steps:' | 'Fleet:' | 'Pods:' | 'Setup:';

/** A row of the verb table. */
export interface VerbRow {
  readonly summary: string;
  readonly group: VerbGroup;
  /** The exit codes that it may have. */
  readonly exits: readonly ExitCode[];
  /** Loads the verb's own module, and with it only what this verb needs. */
  readonly load: () => Promise<{ readonly define: DefineVerb }>;
}

/** Adds the arguments, flags, action and help of the verb to its command. */
export type DefineVerb = (command: Command, io: Io) => void;
