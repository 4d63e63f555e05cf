// What entries import from the application that uses them.

declare module "react";
