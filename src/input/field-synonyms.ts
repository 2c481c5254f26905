/**
 * Words that other queues use for a field of ours: for "did you mean", if the spelling gives no hint.
 *
 * Invariants: a word is only answered with a field that the checked object may have. Case, `_` and `-` make no difference.
 */

/** For each field, the words that mean it. If a word means several fields, the first that the object may have counts. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  // options of a queue or of a step type
  concurrency: [
    ...['workers', 'worker', 'numWorkers', 'workerCount', 'maxWorkers', 'threads', 'slots', 'poolSize', 'teamSize'],
    ...['parallel', 'parallelism', 'maxParallel', 'maxConcurrency', 'maxConcurrent', 'concurrent', 'concurrentJobs'],
  ],
  maxRetries: ['retries', 'attempts', 'maxAttempts', 'tries', 'maxTries', 'retryLimit', 'retryCount', 'numRetries'],
  retry: ['backoff', 'backoffStrategy', 'backoffPolicy', 'retryPolicy', 'retryDelay', 'retryBackoff', 'retryStrategy'],
  timeoutMs: ['timeout', 'timeLimit', 'maxDuration', 'maxRunTime', 'jobTimeout', 'expireIn', 'expireInSeconds', 'ttl'],
  drainTimeoutMs: ['shutdownTimeout', 'shutdownTimeoutMs', 'gracefulShutdownTimeout', 'stopTimeout', 'gracePeriod'],
  deadAfterMs: [
    'stalledInterval',
    'lockDuration',
    'visibilityTimeout',
    'leaseTimeout',
    'leaseDuration',
    'heartbeatTimeout',
  ],
  heartbeatIntervalMs: ['heartbeat', 'heartbeatInterval', 'keepAlive'],
  claimIntervalMs: ['pollInterval', 'pollIntervalMs', 'pollingInterval', 'fetchInterval', 'interval'],
  retentionMs: ['keep', 'keepFor', 'retainFor', 'maxAge', 'archiveAfter', 'deleteAfter', 'removeOnComplete', 'ttl'],
  maxPrefetch: ['prefetch', 'prefetchCount', 'batchSize', 'fetchSize'],
  store: [
    'database',
    'db',
    'backend',
    'adapter',
    'driver',
    'storage',
    'connection',
    'connectionString',
    'redis',
    'url',
  ],
  steps: ['tasks', 'jobs', 'handlers', 'definitions', 'taskList', 'types'],
  podId: ['workerId', 'nodeId', 'instanceId', 'hostname', 'name', 'id'],
  meta: ['metadata', 'labels', 'tags'],
  logger: ['log', 'logging'],

  // a step type
  type: ['name', 'task', 'taskName', 'taskIdentifier', 'job', 'jobName', 'kind', 'queue'],
  run: ['handler', 'handle', 'process', 'processor', 'perform', 'execute', 'work', 'worker', 'fn', 'callback'],
  args: [
    ...['data', 'payload', 'params', 'parameters', 'arguments', 'input', 'body', 'kwargs'],
    ...['schema', 'validator', 'argsSchema', 'inputSchema'],
  ],

  // a retry policy
  baseMs: ['delay', 'delayMs', 'initialDelay', 'initialDelayMs', 'minDelay', 'minTimeout', 'min', 'base'],
  capMs: ['maxDelay', 'maxDelayMs', 'maxTimeout', 'maxBackoff', 'max', 'limit', 'cap'],
  factor: ['multiplier', 'exponent', 'rate'],

  // a step
  runAt: ['eta', 'at', 'when', 'startAt', 'startAfter', 'scheduledAt', 'scheduledFor', 'schedule', 'date'],
  delayMs: ['delay', 'countdown', 'wait', 'delaySeconds', 'after'],
  idempotencyKey: ['key', 'jobKey', 'singletonKey', 'uniqueKey', 'dedupe', 'dedupeKey', 'deduplicationId', 'unique'],
  stepId: ['id', 'jobId', 'taskId', 'uuid'],
  metadata: ['meta', 'headers', 'context', 'tags', 'labels'],

  // a store
  path: ['file', 'filename', 'filePath', 'location', 'database', 'db', 'url'],

  // events
  'queue:stopped': ['queue:drained', 'drained', 'drain', 'queue:closed', 'closed', 'close', 'stopped', 'end'],
  'step:completed': ['finished', 'step:finished', 'done', 'step:done', 'success', 'step:succeeded', 'job:completed'],
  'step:failed': ['failed', 'failure', 'step:error', 'job:failed'],
  'store:error': ['error'],

  // others
  onStopped: ['then', 'callback', 'onStop', 'onDone', 'done'],
  status: ['state', 'states', 'statuses'],
};

const plain = (word: string): string => word.toLowerCase().replace(/[_-]/g, '');

const FIELDS_BY_WORD = new Map<string, string[]>();
for (const [field, words] of Object.entries(WORDS)) {
  for (const word of words) {
    const fields = FIELDS_BY_WORD.get(plain(word));
    if (fields === undefined) FIELDS_BY_WORD.set(plain(word), [field]);
    else fields.push(field);
  }
}

/** The field of `known` that `word` means, if it is one of the words above. */
export function synonymOf(word: string, known: readonly string[]): string | undefined {
  return FIELDS_BY_WORD.get(plain(word))?.find((field) => known.includes(field));
}

/** Options of a step type, which a submission does not have. */
const OF_STEP_TYPE = ['timeoutMs', 'retry', 'concurrency'];

/** Where an option of a submission belongs that the submission cannot have, as the end of an error message. */
export function belongsElsewhere(word: string, known: readonly string[]): string | undefined {
  if (!known.includes('idempotencyKey')) return undefined;
  if (word === 'name') return 'name belongs to ctx.submit; elsewhere use idempotencyKey';
  const field = OF_STEP_TYPE.includes(word) ? word : synonymOf(word, OF_STEP_TYPE);
  return field === undefined ? undefined : `${field} belongs to the step type; see defineStep`;
}
