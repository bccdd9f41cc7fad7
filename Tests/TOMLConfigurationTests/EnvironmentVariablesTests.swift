internal import TOMLConfiguration
internal import Testing

@Suite("Environment variables")
struct EnvironmentVariablesTests {
    @Test
    func
        `environment variables that start like a tool's and set no key are reported; those of Kubernetes and empty ones are not`()
    {
        let values = [
            "REFLECTOR_KNOWN": "1", "REFLECTOR_KNWON": "1", "REFLECTOR_EMPTY": "", "OTHER_X": "1",
            "REFLECTOR_SERVICE_HOST": "10.0.0.1", "REFLECTOR_SERVICE_PORT": "4000",
            "REFLECTOR_SERVICE_PORT_LINK": "4000",
            "REFLECTOR_PORT": "tcp://10.0.0.1:4000", "REFLECTOR_PORT_4000_TCP": "tcp://10.0.0.1:4000",
            "REFLECTOR_PORT_4000_TCP_PROTO": "tcp", "REFLECTOR_PORT_4000_TCP_PORT": "4000",
            "REFLECTOR_PORT_4000_TCP_ADDR": "10.0.0.1", "REFLECTOR_PORT_53_UDP": "udp://10.0.0.1:53",
            "REFLECTOR_HEALTH_SERVICE_HOST": "10.0.0.2", "REFLECTOR_HEALTH_PORT": "x",
            "REFLECTOR_LISTEN_PORT": "4000", "REFLECTOR_PORT_4000_TCP_FOO": "1", "REFLECTOR_PORT_X_TCP": "1",
        ]
        let variables = EnvironmentVariables(prefix: "REFLECTOR_", values: values)
        #expect(
            variables.unknown(known: ["REFLECTOR_KNOWN"]) == [
                "REFLECTOR_KNWON", "REFLECTOR_LISTEN_PORT", "REFLECTOR_PORT_4000_TCP_FOO", "REFLECTOR_PORT_X_TCP",
            ]
        )
    }
}
