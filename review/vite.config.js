import { defineConfig } from "vite";

// The App has React and its own modules as globals: the bundle brings none of them
export default defineConfig({
  esbuild: { jsx: "transform", jsxFactory: "React.createElement", jsxFragment: "React.Fragment" },
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    minify: false,
    lib: { entry: "src/index.jsx", name: "winnowReview", formats: ["umd"], fileName: () => "index.umd.js" },
  },
});
