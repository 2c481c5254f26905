/** The error for a database driver that is not installed, or that this runtime cannot use. */
import { asError, StoreError } from '../errors.js';

/**
 * Not transient: the same call fails until the driver is installed.
 *
 * @param problem names the driver and its problem
 * @param remedy the command or package to install
 */
export function driverMissing(problem: string, remedy: string, cause?: unknown): StoreError {
  const options = cause === undefined ? {} : { cause };
  return new StoreError('STORE_DRIVER_MISSING', `${problem}. ${remedy}`, false, options);
}

/** The error for an `import()` of a driver that failed. */
export function notLoaded(driver: string, error: unknown, remedy: string): StoreError {
  const { message } = asError(error);
  const problem = isNotFound(error, driver)
    ? `${driver} is not installed; it is an optional dependency of fleet-q`
    : `${driver} cannot be loaded (${firstLine(message)})`;
  return driverMissing(problem, remedy, error);
}

/** The first line of a message: the module loader adds the importing files on the lines that follow. */
export function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? '';
}

/** Whether the driver itself was not found. A missing dependency of the driver is another problem, and the message names it. */
function isNotFound(error: unknown, driver: string): boolean {
  const { message, code } = asError(error) as Error & { readonly code?: unknown };
  const isLoaders = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return isLoaders && new RegExp(`(package|module) '${driver}'`).test(message);
}
