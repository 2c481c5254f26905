/** Decides who may do what. A placeholder that knows a token alone. */
import type { Action } from '../action.js';
import type { HttpOptions } from '../options.js';
import { Problem } from '../problem.js';

export interface Guard {
  /** @param action absent for a probe. @returns the refusal, if there is one */
  check(action: Action | undefined, request: Request): Promise<Response | undefined>;
  /** Adds the headers of every answer. */
  seal(response: Response): Response;
}

export function createGuard(options: HttpOptions): Guard {
  return {
    check: async (action, request) => {
      if (action === undefined) return undefined;
      const { auth } = options;
      if (typeof auth === 'string' && request.headers.get('authorization') === `Bearer ${auth}`) return undefined;
      if (typeof auth === 'function' && Boolean(await auth(request))) return undefined;
      return new Problem('UNAUTHENTICATED', 'expected a bearer token').toResponse();
    },
    seal: (response) => response,
  };
}
