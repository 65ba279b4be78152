export default { serverExternalPackages: ["threadloop"] };
