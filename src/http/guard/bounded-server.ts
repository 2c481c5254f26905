/**
 * A Node.js server that no client can hold: every phase of a request, and the end of the server, have a time limit.
 *
 * Invariants:
 * - A client gets a bounded time to send its headers, to send its body, to read its answer, and to be idle. After that its
 *   connection is closed; no other request notices.
 * - `close` always ends: requests that are being served may finish within the grace time, then every connection is closed.
 * - Answers that Node.js makes itself (to a request that is not HTTP, after a time-out) have the security headers too.
 */
import { once } from 'node:events';
import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { SECURITY_HEADERS } from './security-headers.js';
import type { ServerLimits } from './server-limits.js';

export class BoundedServer {
  readonly #server: Server;
  readonly #limits: ServerLimits;
  /** How many answers are due or on their way on a connection: a client may pipeline. */
  readonly #due = new WeakMap<Duplex, number>();
  readonly #connections = new Set<Socket>();
  #closing: Promise<void> | undefined;

  constructor(listener: (request: IncomingMessage, response: ServerResponse) => unknown, limits: ServerLimits) {
    this.#limits = limits;
    this.#server = createServer({
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.max(50, Math.min(1_000, limits.headersTimeoutMs / 4)),
      keepAlive: true, // the kernel finds peers that are gone
      noDelay: true,
      requireHostHeader: false, // Node.js would refuse it without the security headers
    });
    this.#server.maxConnections = limits.maxConnections;
    this.#server.on('connection', (socket) => {
      this.#connections.add(socket);
      socket.once('close', () => this.#connections.delete(socket));
    });
    this.#server.on('request', (request, response) => {
      this.#track(request.socket, response);
      const needsHost = request.httpVersion === '1.1' && request.headers.host === undefined;
      if (needsHost) response.writeHead(400, { ...SECURITY_HEADERS, connection: 'close' }).end();
      else listener(request, response);
    });
    this.#server.on('checkExpectation', (_, response) => response.writeHead(417, SECURITY_HEADERS).end());
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#answerBroken(error, socket));
  }

  /** @throws Error of the system, such as EADDRINUSE */
  async listen(address: string, port: number): Promise<AddressInfo> {
    this.#server.listen(port, address);
    await once(this.#server, 'listening'); // rejects with an 'error'
    return this.#server.address() as AddressInfo;
  }

  /** Takes no new connection, lets requests finish within the grace time, and closes every connection. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // closeIdleConnections() leaves connections that have not sent a request yet.
    for (const socket of this.#connections) if (!this.#isServing(socket)) socket.destroy();
    const idle = setInterval(() => this.#server.closeIdleConnections(), IDLE_LOOK_MS); // some become idle only now
    const timer = setTimeout(() => this.#server.closeAllConnections(), this.#limits.closeTimeoutMs);
    await closed;
    clearInterval(idle);
    clearTimeout(timer);
  }

  #track(socket: Socket, response: ServerResponse): void {
    this.#due.set(socket, (this.#due.get(socket) ?? 0) + 1);
    // A client that waits for an answer of a server that closes would keep its connection, and the server with it.
    if (this.#closing !== undefined) response.shouldKeepAlive = false;
    response.once('close', () => {
      this.#due.set(socket, (this.#due.get(socket) ?? 1) - 1);
      if (this.#closing !== undefined && !this.#isServing(socket)) socket.destroySoon();
    });
  }

  #isServing(socket: Duplex): boolean {
    return (this.#due.get(socket) ?? 0) > 0;
  }

  #answerBroken(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (!socket.writable || this.#isServing(socket)) {
      socket.destroy();
      return;
    }
    const status = STATUS_OF[error.code ?? ''] ?? 400;
    const headers = Object.entries(SECURITY_HEADERS).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers.join('')}connection: close\r\ncontent-length: 0\r\n\r\n`,
      () => socket.destroy(),
    );
  }
}

/** How often a server that closes looks for connections that have become idle, in ms. */
const IDLE_LOOK_MS = 20;

const STATUS_OF: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
};
