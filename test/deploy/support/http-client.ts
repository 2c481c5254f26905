/** Requests on kept connections, as a load balancer makes them. */
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export class HttpClient {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #headers: Readonly<Record<string, string>>;

  constructor(headers: Readonly<Record<string, string>> = {}) {
    this.#headers = headers;
  }

  get(url: string, timeoutMs: number): Promise<Answer> {
    return this.#send('GET', url, timeoutMs);
  }

  post(url: string, body: unknown, timeoutMs: number): Promise<Answer> {
    return this.#send('POST', url, timeoutMs, JSON.stringify(body));
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(method: string, url: string, timeoutMs: number, body?: string): Promise<Answer> {
    const headers = { ...this.#headers, ...(body !== undefined && { 'content-type': 'application/json' }) };
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(timeoutMs);
      const sent = request(url, { method, headers, agent: this.#agent, signal }, (response) => {
        text(response).then((content) => resolve({ status: response.statusCode ?? 0, body: content }), reject);
      });
      sent.once('error', reject).end(body);
    });
  }
}
