import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** The program that `make build` makes; REFUNDRY_PROGRAM names another one. */
const PROGRAM = resolve(process.env.REFUNDRY_PROGRAM ?? join(import.meta.dirname, '../../target/quick/refundry'));

/** The real program with demonstration data, on a port and in a folder of its own. */
export class Server {
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #log: string[];

  private constructor(url: string, process: ChildProcess, folder: string, log: string[]) {
    this.url = url;
    this.#process = process;
    this.#folder = folder;
    this.#log = log;
  }

  /** Starts the server and waits for the line "listening on ...", or for its end. */
  static async start(): Promise<Server> {
    const folder = mkdtempSync(join(tmpdir(), 'refundry-'));
    const child = spawn(PROGRAM, ['demo', '--listen', '127.0.0.1:0', '--database-url', database(folder)], {
      cwd: folder,
      env: neutralEnvironment(folder),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log: string[] = [];
    createInterface(child.stderr).on('line', (line) => log.push(line));
    const url = await new Promise<string>((found, failed) => {
      createInterface(child.stdout).on('line', (line) => {
        log.push(line);
        const address = /^listening on (http:\/\/\S+)$/.exec(line)?.[1];
        if (address) found(address);
      });
      child.on('error', failed);
      child.on('exit', (code) => failed(new Error(`refundry ended with ${code}:\n${log.join('\n')}`)));
    });
    return new Server(url, child, folder, log);
  }

  /** Adds an operator, as an administrator does on the command line. */
  addOperator(name: string, role: 'viewer' | 'operator' | 'admin', password: string): void {
    const args = ['user', 'add', name, '--role', role, '--password-stdin', '--database-url', database(this.#folder)];
    execFileSync(PROGRAM, args, { input: password, env: neutralEnvironment(this.#folder), stdio: 'pipe' });
  }

  /** Puts the database into restored mode, as of a backup of that time, or ends it: `begin`, `end`. */
  restored(act: 'begin' | 'end'): void {
    const how = act === 'begin' ? ['--taken-at', '2026-05-01T10:20:30+08:00'] : ['--note', 'the test is over'];
    const args = ['restored', act, ...how, '--database-url', database(this.#folder)];
    execFileSync(PROGRAM, args, { env: neutralEnvironment(this.#folder), stdio: 'pipe' });
  }

  /** Returns the output so far. */
  log(): string {
    return this.#log.join('\n');
  }

  /** Stops the server, and throws where its exit code is not 0. */
  async stop(): Promise<void> {
    const ended = new Promise<number | null>((end) => this.#process.on('exit', end));
    const code = this.#process.exitCode ?? (this.#process.kill('SIGTERM'), await ended);
    rmSync(this.#folder, { recursive: true, force: true });
    if (code !== 0) throw new Error(`refundry ended with ${code}:\n${this.log()}`);
  }
}

/** Returns the address of the database in that folder. */
function database(folder: string): string {
  return `sqlite:${join(folder, 'demo.db')}`;
}

/** Returns the environment without settings of a local installation. */
function neutralEnvironment(folder: string): NodeJS.ProcessEnv {
  const foreign = (name: string) => /^(DATABASE_URL$|REFUNDRY_|SBX_)/.test(name);
  const kept = Object.entries(process.env).filter(([name]) => !foreign(name));
  return { ...Object.fromEntries(kept), TMPDIR: folder };
}
