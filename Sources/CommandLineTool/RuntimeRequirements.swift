internal import Operations

/// What the Swift runtime needs from the machine. Without it the runtime ends the process.
enum RuntimeRequirements {
    /// Throws an error that names what is missing and the remedy. Call it before anything waits.
    static func require() async throws {
        try ProcessFileSystem.require()
        try await DescriptorLimit.require()
    }
}
