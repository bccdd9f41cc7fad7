internal import Files
internal import TOMLConfiguration
internal import TemporaryFolders
internal import Testing

@Suite struct ConfigurationLookupTests {
    let lookup = ConfigurationLookup(name: "reflector")

    @Test func `the flag wins, then the variable, then the first file that is there`() {
        let environment = ["REFLECTOR_CONFIG": "/v", "XDG_CONFIG_HOME": "/xdg", "HOME": "/home/a"]
        #expect(lookup.find(flag: "/f", environment: environment)?.path == "/f")
        #expect(lookup.find(flag: nil, environment: environment)?.source == .environment("REFLECTOR_CONFIG"))
        let unset = ["REFLECTOR_CONFIG": "", "XDG_CONFIG_HOME": "/xdg", "HOME": "/home/a"]
        #expect(lookup.find(flag: nil, environment: unset) { _ in true }?.path == "/etc/reflector/reflector.toml")
        #expect(
            lookup.find(flag: nil, environment: unset) { $0.hasPrefix("/xdg") }?.path == "/xdg/reflector/reflector.toml"
        )
        #expect(lookup.find(flag: nil, environment: unset) { _ in false } == nil)
    }

    @Test func `without XDG_CONFIG_HOME the home folder's .config is looked at`() {
        #expect(lookup.usualPaths(environment: ["HOME": "/home/a"]).last == "/home/a/.config/reflector/reflector.toml")
        #expect(
            lookup.usualPaths(environment: ["HOME": "/home/a", "XDG_CONFIG_HOME": "x"]).last
                == "/home/a/.config/reflector/reflector.toml"
        )
        #expect(lookup.usualPaths(environment: [:]) == ["/etc/reflector/reflector.toml"])
    }

    @Test func `the real file system is asked`() throws {
        let folder = try TemporaryFolder()
        let environment = ["XDG_CONFIG_HOME": folder.path]
        let lookup = ConfigurationLookup(name: "outpost-test-name")
        #expect(lookup.variable == "OUTPOST_TEST_NAME_CONFIG")
        #expect(lookup.find(flag: nil, environment: environment) == nil)
        let path = lookup.usualPaths(environment: environment)[1]
        try StateFiles.createFolder(StateFiles.folder(of: path) ?? "")
        try StateFiles.createPrivate(path, content: [])
        #expect(lookup.find(flag: nil, environment: environment) == .init(path: path, source: .file(path)))
    }
}
