// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {F} from "./Field.sol";

/// @title Constants of the setup: Ethereum's KZG ceremony and the domain H (protocol §1, §3)
/// @notice A test recomputes each of them from the ceremony's file.
library Setup {
    /// @dev sha256 of the ceremony's file.
    bytes32 internal constant SRS_SHA256 = 0xd39b9f2d047cc9dca2de58f264b6a09448ccd34db967881a6713eacacf0f26b7;

    /// @dev n, a power of two.
    uint256 internal constant N = 4096;
    uint256 internal constant LOG_N = 12;

    /// @dev ω = 7^((r−1)/n).
    F internal constant OMEGA = F.wrap(0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306);
    /// @dev 1/ω.
    F internal constant OMEGA_INVERSE = F.wrap(0x391b2856c609b4784ae25ffab9dc59865046d17864183203961a252dd8543362);
    /// @dev 1/n.
    F internal constant N_INVERSE = F.wrap(0x73e66878b46ae3705eb6a46a89213de7d3686828bfce5c19400fffff00100001);

    /// @dev [1]_1.
    bytes internal constant G1_ONE =
        hex"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
        hex"0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1";
    /// @dev [tbl]_1 of the range check's table, tbl_e = e mod 2^11.
    bytes internal constant G1_TABLE =
        hex"000000000000000000000000000000000652a933273ce2e379e8462eed482e5ea500d501288a9c29cd3433130b30b42d8267b7e335f4ce1dd0e89f8dc93fb121"
        hex"000000000000000000000000000000000cf076c54c95f77805a8d914f546485ba5ab926df09614dd51bd2f423b168e12b9a74868f8565df952e659503def7956";
    /// @dev [1]_2.
    bytes internal constant G2_ONE =
        hex"00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
        hex"0000000000000000000000000000000013e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
        hex"000000000000000000000000000000000ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"
        hex"000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be";
    /// @dev −[τ]_2.
    bytes internal constant G2_MINUS_TAU =
        hex"00000000000000000000000000000000185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2"
        hex"0000000000000000000000000000000015bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72"
        hex"0000000000000000000000000000000018bdbe2c8014842c7345b930a979b0355161e23be55c34a67f0c80fc60072caad1c992ee58120c7bcb966404447c8012"
        hex"00000000000000000000000000000000039a4c9f2f4d940547d877eb6333918b74fd6d7af721ab9f8cd200e65ab6ee9a8a16cb8f73d9363296fa710cf2f5955c";
}
