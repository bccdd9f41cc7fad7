/// What the runtime under every Swift program needs of the machine, and ends the process without.
package enum RuntimeNeeds {
    /// Throws what is missing, with what to do. Call it before anything waits.
    ///
    /// - Parameter command: what is about to run; help needs nothing.
    package static func require(for command: Any) async throws {
        if CommandLineOrder.isHelp(command) { return }
        try ProcessFileSystem.require()
        try await DescriptorLimit.require()
    }
}
