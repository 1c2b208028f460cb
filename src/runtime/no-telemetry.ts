// onnxruntime 1.30 sends usage data to its makers over the network unless this variable is set before it is loaded.
// Nothing here sends anything anywhere: the variable is set, whatever else the process does with the library.
// Imported before onnxruntime-node; ES modules are evaluated in the order of their imports.

process.env['ORT_DISABLE_TELEMETRY'] = '1';
