/** A logger that keeps nothing. */
import type { Logger } from '../../src/log.js';

const silent = (): void => {};

export const SILENT: Logger = { debug: silent, info: silent, warn: silent, error: silent };
