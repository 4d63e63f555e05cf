// Modules that the build makes: see ../bundle.mjs.

declare module "sendoff:packed" {
  /** The wasm: raw deflate, base64. */
  export const packed: string;
}

declare module "sendoff:plain" {
  /** What an instance of the wasm exports. */
  const exports: WebAssembly.Exports;
  export = exports;
}

declare module "sendoff:glue" {
  export const imports: () => WebAssembly.Imports;
  export const finalize: (instance: WebAssembly.Instance) => void;
  export const start: (platform: object, config: string, facts: string) => number;
  export const calls: (client: number, text: string) => void;
  export const flush: (client: number, id: number) => void;
  export const shutdown: (client: number, id: number, timeoutMs: number) => void;
  export const destroy: (client: number) => void;
  export const answered: (client: number, id: number, what: string, status: number, retryAfterMs: number, body?: string) => void;
  export const peer: (client: number, text: string) => void;
  export const page_event: (client: number, name: string) => void;
  export const stored: (client: number) => void;
  export const destination: (client: number, name: string, paused: boolean) => void;
  export const wake: (client: number) => void;
  export const stats: (client: number) => string | undefined;
  export const visitor: (client: number) => string | undefined;
}
