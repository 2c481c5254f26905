/** What a request wants to do: the argument of `can`. */

/** Every action. A probe has none: it answers anyone. A later version may add actions. */
export const ACTIONS = [
  'steps:read',
  'steps:submit',
  'steps:cancel',
  'steps:retry',
  'fleet:read',
  'stats:read',
  'recovery:run',
  'recovery:read',
  'pod:read',
  'pod:control',
  'metrics:read',
  'openapi:read',
] as const;

/** What a request wants to do, as `can` is asked. */
export type Action = (typeof ACTIONS)[number];
