internal import Operations

/// What the runtime under every Swift program needs of the machine, and ends the process without.
enum RuntimeNeeds {
    /// Throws what is missing, with what to do. Call it before anything waits.
    static func require() async throws {
        try ProcessFileSystem.require()
        try await DescriptorLimit.require()
    }
}
