/** The route of the metrics. */
import { Problem } from '../problem.js';
import type { Route } from '../route.js';

export const METRICS_ROUTE: Route = {
  method: 'GET',
  path: '/metrics',
  action: 'metrics:read',
  tag: 'Metrics',
  operationId: 'metrics',
  summary: 'Metrics for Prometheus',
  description: 'This route exists if the option `metrics` is given.',
  answers: { 200: { description: 'The metrics, in the text format of Prometheus.', mediaType: 'text/plain' } },
  handle: async (_, { metrics }) => {
    if (metrics === undefined) throw new Problem('ROUTE_NOT_FOUND', 'there are no metrics here');
    return { status: 200, text: await metrics.metrics(), headers: { 'content-type': metrics.contentType } };
  },
};
