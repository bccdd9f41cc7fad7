internal import Files
internal import Identity
internal import Operations

extension SelfTest {
    /// The self-test of this machine, with the real iperf3 and the package's own Ed25519.
    package static func ofThisMachine(_ configuration: ReflectorConfiguration) -> SelfTest {
        let key = IdentityKey()
        let message = [UInt8](repeating: 0x5a, count: 64)
        return SelfTest(
            run: runChild,
            iperf3Path: configuration.iperfPath,
            stateFolder: configuration.stateFolder,
            auditFolder: StateFiles.folder(of: configuration.auditLogPath) ?? ".",
            signAndVerify: { key.endpointID.verifies(try key.sign(message), of: message) }
        )
    }

    /// A program that did not end in time and was killed.
    struct TimedOut: Error, CustomStringConvertible {
        let executable: String
        let timeout: Duration

        var description: String { "\(executable) did not end within \(DurationText.format(timeout)) and was killed" }
    }

    /// ``Run`` with a child in a process group of its own.
    static let runChild: Run = { executable, arguments, timeout in
        let child = try await ChildProcess.start(executable, arguments)
        let limit = Task { () -> Bool in
            do { try await Task.sleep(for: timeout) } catch { return false }
            await child.terminate(grace: .seconds(1))
            return true
        }
        let exit = await withTaskCancellationHandler {
            await child.exit()
        } onCancel: {
            child.signal(9)
        }
        limit.cancel()
        try Task.checkCancellation()
        // Also true for a child that ended by itself just when its time was over: it was late.
        if await limit.value { throw TimedOut(executable: executable, timeout: timeout) }
        return ProcessOutput(status: exit.code, standardOutput: exit.output, standardError: exit.errorOutput)
    }
}
