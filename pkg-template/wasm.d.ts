/** The address of the WebAssembly, as bundlers give it for an asset. */
declare const address: string;
export default address;
