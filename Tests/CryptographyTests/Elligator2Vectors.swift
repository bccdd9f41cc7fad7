/// Published vectors of Elligator2 on X25519.
enum Elligator2Vectors {
    /// RFC 9380, appendices J.4.1 and J.4.2 (curve25519_XMD:SHA-512_ELL2_RO_ and _NU_): a field element u and the
    /// x-coordinate of its point Q, each most significant byte first.
    static let rfc9380: [(element: String, point: String)] = [
        (
            "005fe8a7b8fef0a16c105e6cadf5a6740b3365e18692a9c05bfbb4d97f645a6a",
            "36b4df0c864c64707cbf6cf36e9ee2c09a6cb93b28313c169be29561bb904f98"
        ),
        (
            "1347edbec6a2b5d8c02e058819819bee177077c9d10a4ce165aab0fd0252261a",
            "3fa114783a505c0b2b2fbeef0102853c0b494e7757f2a089d0daae7ed9a0db2b"
        ),
        (
            "49bed021c7a3748f09fa8cdfcac044089f7829d3531066ac9e74e0994e05bc7d",
            "16b3d86e056b7970fa00165f6f48d90b619ad618791661b7b5e1ec78be10eac1"
        ),
        (
            "5c36525b663e63389d886105cee7ed712325d5a97e60e140aba7e2ce5ae851b6",
            "7ec29ddbf34539c40adfa98fcb39ec36368f47f30e8f888cc7e86f4d46e0c264"
        ),
        (
            "6412b7485ba26d3d1b6c290a8e1435b2959f03721874939b21782df17323d160",
            "71de3dadfe268872326c35ac512164850860567aea0e7325e6b91a98f86533ad"
        ),
        (
            "24c7b46c1c6d9a21d32f5707be1380ab82db1054fde82865d5c9e3d968f287b2",
            "5704069021f61e41779e2ba6b932268316d6d2a6f064f997a22fef16d1eaeaca"
        ),
        (
            "5e123990f11bbb5586613ffabdb58d47f64bb5f2fa115f8ea8df0188e0c9e1b5",
            "7a94d45a198fb5daa381f45f2619ab279744efdd8bd8ed587fc5b65d6cea1df0"
        ),
        (
            "5e8553eb00438a0bb1e7faa59dec6d8087f9c8011e5fb8ed9df31cb6c0d4ac19",
            "30506fb7a32136694abd61b6113770270debe593027a968a01f271e146e60c18"
        ),
        (
            "20f481e85da7a3bf60ac0fb11ed1d0558fc6f941b3ac5469aa8b56ec883d6d7d",
            "02d606e2699b918ee36f2818f2bc5013e437e673c9f9b9cdc15fd0c5ee913970"
        ),
        (
            "017d57fd257e9a78913999a23b52ca988157a81b09c5442501d07fed20869465",
            "38920e9b988d1ab7449c0fa9a6058192c0c797bb3d42ac345724341a1aa98745"
        ),
        (
            "608d892b641f0328523802a6603427c26e55e6f27e71a91a478148d45b5093cd",
            "51125222da5e763d97f3c10fcc92ea6860b9ccbbd2eb1285728f566721c1e65b"
        ),
        (
            "46f5b22494bfeaa7f232cc8d054be68561af50230234d7d1d63d1d9abeca8da5",
            "7d56d1e08cb0ccb92baf069c18c49bb5a0dcd927eff8dcf75ca921ef7f3e6eeb"
        ),
        (
            "235fe40c443766ce7e18111c33862d66c3b33267efa50d50f9e8e5d252a40aaa",
            "3fbe66b9c9883d79e8407150e7c2a1c8680bee496c62fabe4619a72b3cabe90f"
        ),
        (
            "001e92a544463bda9bd04ddbe3d6eed248f82de32f522669efc5ddce95f46f5b",
            "227e0bb89de700385d19ec40e857db6e6a3e634b1c32962f370d26f84ff19683"
        ),
        (
            "1a68a1af9f663592291af987203393f707305c7bac9c8d63d6a729bdc553dc19",
            "3bcd651ee54d5f7b6013898aab251ee8ecc0688166fce6e9548d38472f6bd196"
        ),
    ]

    /// Monocypher, tests/gen/vectors/elligator_dir: a representative, whose two top bits are to be ignored, and the
    /// u-coordinate of its point.
    static let monocypherDirect: [(representative: String, point: String)] = [
        (
            "d3c41ec20dbe9fc33ccc14823d898066f433a892994ffbcc921e9f5ace519d02",
            "170a436471aaa00d817436197fde47fa3320aa040b48d1d2a9f155e15ce3975e"
        ),
        (
            "e03a05ebde6ca000cdc5c539bf48a1d08222483b87693046e00a411a8d93dd34",
            "b8e22e654ae391c44be4760a30d13950651d454c7ec71f0bdf7c5669bb22b564"
        ),
        (
            "ec3afb86e23aff9a05c54b4274abb5daf77ad956b5a4a38caf7529866e5f5a3e",
            "c1f0588b07c7624ff31b1465354d7a55eee0ce4302f4d91fa88236cfd808501f"
        ),
        (
            "4bdb87edb62cc3b3bf55ff767ac7e3c801c7954d2b5c03d3a26811dd6a8ad929",
            "9208e81f3ae66b2cae22b4e0f25ca380ad211a5d44284dc1b741401f0decf964"
        ),
        (
            "b41d9ff0d16193a77fb6d68f5fe9d2dc3f8c722a4511ec3e95a184db3aebe617",
            "e5bd8597bf26ef88a9e759495fa74288822ffc2ab77dc344d7641b8fb543fc56"
        ),
        (
            "9a8871e5d563da6919f1f24a91c2cad92ed02412ab1aa8b321d1a84459bb8e2a",
            "68df2c7c319d39ea9c0fa1e53da178cb5668989f2657f6d25bdda489da83ea16"
        ),
        (
            "82a4c02a4d8041d5f8899c126bd3889fcff3d5cd63ee8e70bbd64b585fade926",
            "bb963159d8ecc37772b0cf00d9ca0ed37a76d9b306a6f8f64ebefc8f861d5f5b"
        ),
        (
            "02712da5a7ed5c4ad4117eff95b84cad5b76e67f7dfbcab69215295a7aac4228",
            "d7c1d9ee82b24eac542594a44c6f6653c9a8e19918d612f27f99351b30b8d864"
        ),
        (
            "140b05608cf89a4c4cb822f59ba8b25b300e9a36108d21e5c26a03240b5b2a31",
            "058070e8efd599be224ba79dc4ee86823c41c14d89e651a7cd968293753f151a"
        ),
        (
            "ab98be98602474dedc91d15346bcb65bb833dd75518871f70bd26e5bfe712931",
            "215524de571c221e08edb912dbe9d9c386d971e4239835ad155de6fa1ff82f28"
        ),
        (
            "538155639021f156812c473ed3abff75063fc4bc5e1e78ecf7f1f7fed8594a33",
            "d47e10faef70170b6a3ba0ae4727ba6cb86f16f29a7e7747084310a0f466933f"
        ),
        (
            "d261f7d0d6ce68b6d698c4c61d54ec301dfc94e99b5f47df34a3def8e6568233",
            "ce674898f882e57c6cdb41a58171cd75233a082def385ef326e35e99e1c1102d"
        ),
        (
            "6cbb36ab7acb90459bd526f6177bc20c49cdcecb156a14a1f65924c7c219211f",
            "119a846d3fd2387621eb3e22bfa95eb7ee3abfda1cf5466ba9401ba08de0152b"
        ),
        (
            "664498366a736b04bc592cf18b8ac7bf94b7fcb985d4b77252844e2eeeb4811f",
            "64a92a41815b38eb01e4f6e9aee7e34fa2f8d221e9da0502af542c3c203d262a"
        ),
        (
            "11bef745f0f627555fa65787043ea5231e057fc3bb2afc1903b13f88b494cb00",
            "94ce42fb8d978dae1d353ad166b2b5ed24b6967bc0ea90f792f49b841952b844"
        ),
        (
            "dbe6aa62ba71ccef606f3cea913ee21b1c98f46c1a9b4ee33c843cba7cea4127",
            "2a3bf5765ba945c5c7df871cecfc7374e0b655260f5eb0553e5901442cfca879"
        ),
        (
            "a8b34d537d591177ed521aaacb4d0917eb6d49b60353d9044d4c6d5fc09fb20d",
            "d9fb40edd0f4532024fbdfd74fefe50739820085d0d9f6d9c5e9e9523a05b37d"
        ),
        (
            "c5cc85bd95d812d739c704e80c03416f75ae5f6ff01c929548feee5e599cd907",
            "a9b74c3c12e4efb31a1d26c7677773bf223d8cb120bd552a8b6f92eadd35ed48"
        ),
        (
            "949523d0fa2e180612d9a776c655d08e0b16d37dff8457218e3d31eba4531413",
            "1bc05bdc88c88eba38270af970abff204cfa8b07bd7fa78ea4ab5c04d1ab317c"
        ),
        (
            "2430a2b8a95d2f415f2f2a2a9257ff03a305ad9f2ecdd84ba0aa6760e4b1bf1d",
            "7e73a15142ab131d176716129e69161b33c34ca2464b79703f47ba4cf0dcf92d"
        ),
        (
            "ec76eba0794f9a6215194d5c1bbd6b17502ec6b80d9af029d36c30a705e2291a",
            "5563bf02a1878455a049ea1bc3c608f69f215aaac8a678977626daa451e14112"
        ),
        (
            "f9ce1ac470f31bbf3010c779b0a8419634052b28bd8e9ad1f07547d70f609313",
            "bacf5302a799ac7f459139f6379efa3083457679dd3d2de7431aa1c7d958c725"
        ),
        (
            "e87526cc0db1adad5d496e25949461c13bc0573e4cccf2e76c2eb535ce40223e",
            "b1acbbf9410113a467ae0d3731894cc67a131208af70e2f16758a4be0bb6706c"
        ),
        (
            "7a48adebb692fdb8e5a2176389f3f0bcbdc1956b0d57acac4a8eda87b577e618",
            "22997bed0e3c6023e73fb371e6d3c5c3661a87c6f3f787ba6054e699aef5aa64"
        ),
        (
            "e73507d38bae63992b3f57aac48c0abc14509589288457995a2b4ca3490aa207",
            "1e8afffed6bf53fe271ad572473262ded8faec68e5e67ef45ebb82eeba52604f"
        ),
        (
            "95a16019041dbefed9832048ede11928d90365f24a38aa7aef1b97e23954101b",
            "794f05ba3e3a72958022468c88981e0be5782be1e1145ce2c3c6fde16ded5363"
        ),
        (
            "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff3f",
            "9cdb525555555555555555555555555555555555555555555555555555555555"
        ),
        (
            "f7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff3f",
            "9cdb525555555555555555555555555555555555555555555555555555555555"
        ),
        (
            "e4e4c4054fe35a75d9c0f679ad8770d8227e68e4c1e68ce67ee88e6be251a207",
            "2fd05944d079627cac0b3c292f72d41b1902b31c48457f42ab35dd10fc4eb013"
        ),
        (
            "48b3753cff3a6d990163e6b60da1e4e5d6a2df78c16c96a52d4fb01ea4ecf70e",
            "803e8e870b922ae41883e7b41b534ea191c1eca3f657336ab652b7c683ac0176"
        ),
        (
            "81ac001b08d6577bd91ce991c4c45c46bc84d5465fc9139bf17042ae7313181f",
            "eb0f19204beb1f397a0e8b8aeaf70fba944f4707a86d0edf4bf58cb289d6110e"
        ),
        (
            "7afb217bd1eceeac1e133aaa9edb441fa88ea3ae0eaa06cb9911b6d218570f12",
            "5e5e130e90024e8378c8f61c7033462c1f2bead4bbfc05d1bbd592d34c620759"
        ),
        (
            "4a70a7e992b43e0b18578e892e954c40a51abdb5a85d300c32f391c45d6ef41b",
            "dbd60ec2c1c945a5c53017a0c74e38625514307da10a65aa2523e8d3eba2cb35"
        ),
        (
            "043ddcf4214f24ea6ef6b181071f299aa254a4606ab6a058e0c6fb5598218d37",
            "6a2ec7cf38c7b8c76a3e40e5ec25ea7b0f82215b27b31bf3fa2bebfe585ee44b"
        ),
        (
            "1deb473f7d04c152e7e857736715dc7b788aca39a3c96a878019e8999c815c17",
            "94d5d8b30212b061affa45fa95a27dd48ad053c9e80d3a066b821affdcbf6970"
        ),
        (
            "23dbfbde05e6c71f118afc0dedb5b9f8dea398b2d764bca68dfc023a9821931d",
            "468c7bdac19ed43aa625677d8416337c2b4f48b950755b2b5e7d664b3b3f4d03"
        ),
        (
            "389e38a072cf1b413bb1517c3fe83abebb1cdf3a218abb1b0c01da64c24f592e",
            "6d15f8b3b5acf7be2fe9408fd1930f20c56da37f150485ef0e6243d406eb3f60"
        ),
        (
            "d19cfb8cb3940aba546f0be57895e2cc869fe55aab069c5abcf9e7ba6444a806",
            "12524580b61c9f88f4f1cd24042002b0df4bc3feb242555bf276f96453c15826"
        ),
    ]

    /// Monocypher, tests/gen/vectors/elligator_inv, and the output of tests/gen/elligator-inverse.py: the u-coordinate
    /// of a point, the random bits (bit 0 the branch, bits 6 and 7 the padding), the representative if there is one.
    static let monocypherInverse: [(point: String, randomness: UInt8, representative: String?)] = [
        ("e6f66fdf6e230c603c5e6e59a254ea1476a13eb9511b9549846781e12e52230a", 0x00, nil),
        (
            "46951964003c940878063ccfd0348af42150ca16d2646f2c5856e8338377d800", 0x00,
            "2820b6b241e0f68a6c4a7fee3d978228ef3ae45533cd410aa91a415331d8612d"
        ),
        (
            "46951964003c940878063ccfd0348af42150ca16d2646f2c5856e8338377d800", 0x01,
            "3cfb87c46c0b4575ca8175e0ed1c0ae9dae79db78df86997c4847b9f20b27718"
        ),
        (
            "0000000000000000000000000000000000000000000000000000000000000000", 0x00,
            "0000000000000000000000000000000000000000000000000000000000000000"
        ),
        (
            "0000000000000000000000000000000000000000000000000000000000000000", 0x01,
            "0000000000000000000000000000000000000000000000000000000000000000"
        ),
        ("2920d46f2f37b04d00ff73df4115fda3876810c2144e94a7e6d0c09290ff7359", 0xd5, nil),
        ("70e7a067416c79ca10ea92e00b0e15cd50569e3298b6358ad6b016826b1a5b2b", 0xdd, nil),
        ("89bbc72dc9f7f5b863489c606514a39f4e844061ba5c9dec8095fa8c8e657170", 0x2e, nil),
        ("8b12bcec65c17f6ed5d42dd5098b121d118148190d62adb51b438e56baabd951", 0x69, nil),
        ("af46ad503ebf711a76c8a895c9d1d919289420f1e11c9b79224fd53e42b17d74", 0xad, nil),
        ("b51b86597d5856e07a9647c6f67d84fefb846c790c2c61d537ca150b26b0b431", 0x92, nil),
        ("e50e3434457650b066a9cd7bb729b55f595fa5d6d0bd6dda0c482c0c89476c20", 0x76, nil),
        ("69638b8f1aa12958380ba71393257725a59f047f96dbcea4eca7b2be3e9e741a", 0x31, nil),
        (
            "1427a363a2286c54580aab236b5d7cf47d602e0d9c0d94bba8f680616842c75a", 0x18,
            "fc2b38c87df2a362e566b7cc761175eb68b9dbb56e82e6a6c2f47f4c38a3df0b"
        ),
        (
            "d5dd92436f485df55fa5ee37ea52efbbe2c297e4a7d9fba4bc278941bcd22700", 0x50,
            "1ec4e82112b4115cc1c7fcbfba6d0494c256b0fe5fa0b3e5c9bc085e0377b64f"
        ),
        (
            "e8bea44b60edffe33af78b468a012b38d5c80e0f8dcc5c59bdfcc170d0e9f712", 0x82,
            "fdfed379a6ac45eee2118241beef90dbc076849d3a3f9e77e79f880ce4a770a7"
        ),
        (
            "17fe32cdcb47a24c922bf550b1ba1831bb74a982fa4c11674e2188c05c245a5d", 0xf4,
            "94db6cf4f593eb7458e3b50a20a6eecd8ad13dba207248a122f9834a74c76ee9"
        ),
        (
            "056988ebff4a4e0abf23fbdc7bd9eb7255a294dea35e3798a6da8ea187a7350a", 0x2b,
            "80e7dcd35bc8f1c1ef26ee0ed6371dd2fe4b62b0e09667a52bbea767ace14517"
        ),
        (
            "8a97acb2416893b4f3addc63239943ade9735dfd0ed3d2d3ef66b860ee59fe32", 0x5b,
            "2dfa97a41394f7f2551f1d85a30160def878e088a7a5fd888c5e9ccd3a531f76"
        ),
        (
            "06c7a27652309b1cf3481a0e8312b67f8e357dc4119b39a03ce8a73e5b39581b", 0x85,
            "91b895b41576bf1bc02cb5af5351d05ab9a0cd0b064a283d618181e47f0e38a5"
        ),
        (
            "d44a4b29720d14105cdb919f313040ba92c1b8440bd9647078d47f75dda4aa2b", 0xe7,
            "e870a0d7407e871ca8d5bb40e6d27c8c981de494fb9003de199d740aebd4f4cc"
        ),
        (
            "dc5c2760df5144ec24c017a0dbf0de49bcb4c65bc9311972d05039812c24ae72", 0x0e,
            "4181a3c80fe49efc9ff2bde332545de1b10e8fa121da8aca0c890bce926a4034"
        ),
        (
            "f3ff20cf76ab2efaea90aefe44b2e027ffe136e299da8761810b7d288990db23", 0x5c,
            "6cf1555d061cd9d2ba993bccc143be15026a6083a070810790f422523beca46a"
        ),
        (
            "8f1923e131b91cbd52d39a99c710b347816aa08c901fdb3297a90b74e64d754b", 0xba,
            "301309719af2f71f9dec31dd4ac11c6204061cfcbf745ce07251f3fb7bbd029a"
        ),
        (
            "00d83a7fadc186b71b1e747f48d777290c5c8bbe1befd5d529c611d86a65ae67", 0xd4,
            "91ecb42d0db154906e4dbb08cea03614b71a88531a7706dfdb40603c19b318fd"
        ),
        (
            "98bfbf9b5aed19aae606e9c59b168c1c637333cbf1ca924165ee562753d5177c", 0x1d,
            "81bb15a6c136b4eee1e2e03821c5670d3f26fee6087052a3cae7e9092e60151b"
        ),
        (
            "b8480e2b0c693b0481b28da0944573760a46b5549008a3608da1382fbd4e5869", 0x6b,
            "86bcaf8fecd79b7375f2403798a961d2c0965e0a699d10827ef3562b9a964165"
        ),
        (
            "e67ddbdb7bd4c67ebda44d6e0e9dc2e15b5de7c992c3dbfbdc0971e97523ff64", 0xb7,
            "52a2b0815ab713330013e44766e6b50b4e48d9123a9c855023ff42e3b4072cb3"
        ),
        (
            "fb1d3c9c011fa18446fa2765c599615e7f3c7d5ec12fab673182009572d9da70", 0xef,
            "b78e92dcee8b15210e0abbc2f2f94fc3bada7b804e05c9752fd81ab22a7469f7"
        ),
        (
            "817ed242179e5a7b8080b0e2e380eb5d4c3cc96a3ec81a38b925c6b162a34151", 0x26,
            "f8664a50630d48c3bc67cbab3683827a0d8b20b1336bac6a07ccf359cffbf925"
        ),
        (
            "a164026a9403c0f4a5ca845391f8bba46c27836b0503da38b0b713cefb665b5c", 0x78,
            "ebe6225a1b8d47b1b18c1aaf986bf6bab31dacf03e8cf8c64015ba785f236368"
        ),
        (
            "c0c9e1814bfd6b81c4bce980a33f01f666d5d4008a2134e2325f0c75582b4069", 0x86,
            "0039bdadb10b393f4358d66b231c55401fc65f053090f74929e62a6352f77986"
        ),
        (
            "849c086a64aef9e5c900b4ea40fa3634bc0d9b882ca9e4d45af214c6f8a0e61b", 0xf4,
            "00f29e9545cd7eadc6806092794a16e3f6943ed42b74393f65099085266899c4"
        ),
        (
            "f7dee61edaa8a1b2d10157013005d5ad35c03bc3b96a5d81a448d6986244fe12", 0x09,
            "b797cc651188631e07d8674bd977414dd8014cf5799a6bb8b6abbb3a44a23b08"
        ),
        (
            "a65d9be651432e20f63dd4f6b4e8a512943dd9e184885afffccb129857ea6479", 0x4d,
            "82b4d9f9076a927cffdf69086bed03c8895e9ffc6514079d53da9a48b7054c6c"
        ),
        (
            "38f2f3ec892e4064a493d8020e11954a6a6115624c44713af3d19d4264f5591f", 0x8f,
            "f6078e99267df6f0a9df48babc23fd51c09ebfb64789f37ed790218ac4240297"
        ),
        (
            "f2e1a5c6fa6be5e4c3d6ed5d50ebf9cfd403e9710aad0a48a8aaa9ed9d31ec71", 0xe5,
            "af4a8a54bd138b0716b3ba66089b6f86e9f19158f65f9e10046850294787a6e4"
        ),
        (
            "1d6b2957737a440a13bf9de9fe6b8d2708eb0d1ca3b35768f03cbccbb8adc228", 0x34,
            "6c19f0c1ac8776fc49a448788d9a16e9404cb27c9088d8e73339e90ce1ec4d33"
        ),
        (
            "db9f2ec277b45e99e1a1e1d47528c7fdd32e3eb422f8cddd50069805eb68e535", 0x78,
            "0a962dcb693d942db8e11ae9a1268b55813294aa5fa599f90228337278c10e58"
        ),
        (
            "e6608e3f4753e17028e0e7ae79f55eeacf3b4436601689346217577ac69be141", 0x82,
            "f8a72649ec6204b70ebbfceeaf871a6615ee272e3f7279aef9b1b1fcb926d6a8"
        ),
        (
            "001c5965388997117e91d105f95eafed1650ffe5cce62d2d70575c0e0623ea46", 0xee,
            "4d8047283a0f75236a099463dbd2ca3e10769f6586342a036825e940940296c5"
        ),
        (
            "be42744cb5e3a2a714a2bb219ab6d09ac0ee43bd9e635b5dee80b84df4ac0148", 0x11,
            "9a891a6da69d1fcc4a9bc44e345d1097fa6d13cc70a73c0d4d0898bc71e5522d"
        ),
        (
            "a257b622f2c2fb09b8713649959cb91c045c9cacf9f0cb11488a23994ad50206", 0x69,
            "c375f5866398e6870ba9604de2dcb5d095fe9e7295aee9d7d537cbbbcec82a4b"
        ),
        (
            "5a58f620a2c9be7e29c234fe891dd382efa0a49ff60eccee108ecaea3b14355c", 0x8b,
            "f427ca009d0f3f6bc0ac0b3e7505dfb782f68c63f38b80eaae27f153fe789593"
        ),
        (
            "affac05f504c48083b0e730978cb44cb8a6445ffdfd623017be1fff7a15ee05f", 0xe7,
            "efc2ef837021889de806693c6f63ca6789906e5dc802d4eeea603c889ba1c2c5"
        ),
        (
            "c270fabed2f078943731b6ddc849b5f0125171271ae2ce81d86a1da632776746", 0x0c,
            "002b7d7cfc1b3720daf1e9dd1bc11e518543bed2ee8c2c42ea710f8c301c1518"
        ),
        (
            "62ea2fa47352752410e228319323cad8f949e451ef25a020bd9142a60ffa4b2f", 0x76,
            "70f8582d7cde43ba6de0d4357866cb2043a678d81434b50b15f50fedbc96716a"
        ),
        (
            "b37dbe821fe25d9ba2822af13b4d6961a66e8dd232aa00a2f5ee168e2c578b5e", 0x8c,
            "f8fa144d35919e12115dd7984c18285bd11934cb8de5a383f181e87e77acc6b8"
        ),
        (
            "dd3cdd732875e5b8113889ca4a9fe818391956e05bb005c1bbb7929422931a5f", 0xf6,
            "40ff9ae02c6392bfcdcb8cd5ca5952221c4abffacb69debc12bc463f1a296fdf"
        ),
        (
            "0008ee699fc783c73a85fbc609a530e35fcc804642d9d3b57b929d7c6a4b4d15", 0x2f,
            "a34d1516618e13e1760af8d46e253752033ddb2483305d12ece7ab0be6c7320b"
        ),
        (
            "7d646eeebecb6316324778af99a91e3a6905f5875779d1524b94999facad4670", 0x7b,
            "0d030cec471e96ad3a82d2ff81bd6a2b2501ba30a3479cad4589d500bcefe47a"
        ),
        (
            "072f4f19cf3e518db62b03f5464da24465f8b8f173df60b12853c3843ff05f5a", 0x8b,
            "3159073026d2e26960c329f1e286de7390d88badf89b153b0c8c4ab688e5a0a8"
        ),
        (
            "3249cd09642c8e1e6ff43dddb9772196e4dfa44dc3243472776c693736165f00", 0xe7,
            "c02c08c9c0ee31b32a1cca8dd0ecab5d94d2c1bcdc5c265aedf34e03cb7cf2d6"
        ),
        (
            "f7d3e1565993735d2d7fbbb94e7e54e6138fb98c86e30adcb88ff36025f3726e", 0x34,
            "7383dc41065f9f88835b859d33b3437f03c567c470d74b318b68ce0d68b84203"
        ),
        (
            "b057ab915654066dea1735dc48330cb086f52eca91ecea5087a93f76b5c18d1f", 0x6a,
            "cdd52a99fb7692277f6acb7a3963e75cb11804b8c204a4dfcd70f7d976b8d07f"
        ),
        (
            "08e42cf639e4c48552c52f123b7f11e0c8258f28bf5c6a6be7d1c101294c2a10", 0xac,
            "d9e4027f5edadd43857b65bc018876320091df89efd58e276899a47b69a2ca97"
        ),
        (
            "ddaa4bd645b9d655727ff1fa8655ab9c14e53760e01fbfcbd5a45bd6c63db159", 0xd8,
            "b24b3a65dcd9331c1d66cef60a0ea98a086e6e6ef3d3964a27da20f5c04bfdee"
        ),
        (
            "5252764f6f3bb5dafa8488074200255ca9503b1e1db79e3dc5b5fe29f8a28417", 0x09,
            "a4c89e6bd947101ec4d33309e2adf0db1a7cf8016c4e40a152b25b670822a021"
        ),
        (
            "f79547a8768a5bb6e1adec21a7e2b5161bea636482a41cc641a5b98a1f5afb2b", 0x71,
            "66a4d2b119852211a54c4544322dbd5f1db237d218da035acbad9f77f4d2324a"
        ),
        (
            "affcbf0c9dd38ad4d4966be3fd73b2dff294961e5d9b2ea522c105383d084412", 0x81,
            "8a40af4847e06606c63f04c176d55c31a1f41127bfc9544bfda7942170402298"
        ),
        (
            "535133cc7b8c4633000fb1f5d14a9b10c33589ab9d9bc43319ae78fb28652e75", 0xdb,
            "95c1fa9d1aee1c28ed26c957192e51e61cc6c55611f68f874e4b707da20eb0ce"
        ),
        (
            "c07f8a850c7e4ab54b72a050936b9d0857601ab83bd2697e38e387922276a952", 0x2e,
            "16c8d0cf0f263a7cd9def325999745de4f33670df798f37251836ebeeb855438"
        ),
        (
            "01814362c22300e1485819ce233b577cadef158049b5672b094577399946e126", 0x6c,
            "d25fe52c78c27faaf0c701e2e33c440c357237ec4fe579635b6c8c54e824907b"
        ),
        (
            "be7c9f151c0a2cf08c977ce6588e0335cc4eb0bbd504eefc4f81b3517e7b3700", 0xa6,
            "60461ef72396f814d429d4a5cd7863529e93f74ccfab61c125b1312fd128b293"
        ),
        (
            "220201b138c86bbd1ed6b4cd0a3de4cc14e6bad26e2f79d7b83229290142254f", 0xca,
            "767aa5e2bf3397832a43ce55b78483f049e46e1fe18e5bf8ccfbccefff90b5e2"
        ),
        (
            "5be7c4996c671a95d64eeb16b7ba97669e8fbf32148be5ea45f2712adf5e1634", 0x23,
            "d2fc0dfb5e4e435df2bf933e1472d6c8c25fdafe74c6ed8d34ed7f89028d1600"
        ),
        (
            "5a4217a76efecb756da1a581a0bedf25e162f38257d00774780dab4e8a75363f", 0x51,
            "0e09b5b304815c17a13b86c9c3c6694f982ee7b43a7e345c77787274ecc61b70"
        ),
        (
            "f6a08a3c773db0907dc0f4c39865264c8e28e12b5724af1d4c6ab31b887cc33d", 0xa1,
            "28b89dacf3f0716a99839c47af15791b142bc6d7c7c8c35f407907b0eb195189"
        ),
        (
            "6df0696e07487b9bc41fbf6eb39e9af305d037a4b142b857141a0679d7ea9a7a", 0xf3,
            "fc92c474a50bdb4db42c9d4bba02759d31ffddabc5cf77a00471b6fdb4a87ae4"
        ),
        (
            "f21d26ff005fb41c03889c72aa1b4628b3ac25f8e6b8e4c2f6ab85ac5d172d25", 0x12,
            "8740875896cd4b06145a5d1eae37043f2b05bc954fd3bc369a13fe9942136814"
        ),
        (
            "a3e1baec82f32a1002f2c6658d18efebd1a8440923344e041563b03812835929", 0x46,
            "4a5222d159c452e0fc57b11bd2437101facc685d169714da689f173391078160"
        ),
        (
            "b19becd5653cb9959fe3c9afac636cef78e8d4379882fd3bf92456bca9febb2f", 0xb0,
            "8c1f1b4302dab33bf2e45c67c06c0b606c28809fc8b3cec57d69cc14ca48778d"
        ),
        (
            "cc998515d6c7e8138a58d1ec6be9f5984464086adb1f4f0621c5f18613d03409", 0xe8,
            "f66ed6c33c3979edf9bb25b682782ee05db497345e96f7cb9e4f8196c42418e3"
        ),
        (
            "eda092e8d163cf97d44764510ccfb4cd0b8f4f67d32d3a202eae0adeebfd3f6c", 0x33,
            "c854ba4f92750d73754f4b04541a477d0998a144c579949156a17c1578754530"
        ),
        (
            "99ac85797acd80463592dd4199523444a97f1e8a38bda49c9b76e96ae2157720", 0x6d,
            "c52f27a6ee052abaafd776820a0d8fa28ec91bf3e6c3706ce260e4cd7e66c27a"
        ),
        (
            "a26aacba37bce221764c2c20993d599ac683c7ec3f0f0f6ccc10d469febc461f", 0x85,
            "be6baa39dbfb1fc6c4768aa6a7d1e1aa0126910066d6a7a49044b94b1cf3de8b"
        ),
        (
            "02fe142043ef7c827b348903d17e5548493706841355c3692a56241332031671", 0xc1,
            "65ba0358ec1ab944a128f4b7c9e800e41e86d2eaefca9b6e505aeb8df96f29fd"
        ),
    ]
}
