/** Loggers that keep nothing. */
import type { Logger } from '../../src/log.js';

const silent = (): void => {};

/** It is given every line. */
export const SILENT: Logger = { debug: silent, info: silent, warn: silent, error: silent };

/** It wants no line, so none is made. */
export const OFF: Logger = { ...SILENT, isLevelEnabled: () => false };
