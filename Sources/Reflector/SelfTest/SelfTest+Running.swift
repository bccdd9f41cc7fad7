internal import Identity
internal import Operations

extension SelfTest {
    /// The self-test of this machine, with the real iperf3 and the package's own Ed25519.
    package static func ofThisMachine(_ configuration: ReflectorConfiguration) -> SelfTest {
        let key = IdentityKey()
        let message = [UInt8](repeating: 0x5a, count: 64)
        return SelfTest(
            run: { executable, arguments, timeout in
                let child = try await ChildProcess.start(executable, arguments)
                let limit = Task {
                    try await Task.sleep(for: timeout)
                    await child.terminate(grace: .seconds(1))
                }
                defer { limit.cancel() }
                let exit = await withTaskCancellationHandler {
                    await child.exit()
                } onCancel: {
                    child.signal(9)
                }
                return ProcessOutput(status: exit.code, standardOutput: exit.output, standardError: exit.errorOutput)
            },
            iperf3Path: configuration.iperfPath,
            stateFolder: configuration.stateFolder,
            signAndVerify: { key.endpointID.verifies(try key.sign(message), of: message) }
        )
    }
}
