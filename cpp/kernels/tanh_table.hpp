// Written by bench/make_tables.py, which explains it; used by tanh in math.hpp.
#pragma once

// clang-format off
namespace fastnn::FASTNN_ISA {
namespace {

template <class T>
struct TanhTable;

// Relative error of the approximation, before rounding: 2^-29.1.
template <>
struct TanhTable<float> {
  static constexpr float kScale = 3.25f;
  static constexpr float kLimit = 9.0625f;  // tanh(kLimit) rounds to 1
  static constexpr int kDegree = 6;
  alignas(64) static constexpr float kCentre[16] = {0.f, 0x1.d89d72p-3f, 0x1.89d8a4p-2f, 0x1.13b162p-1f, 0x1.89d8b2p-1f, 0x1.13b15ap0f, 0x1.62756cp0f, 0x1.b13b12p0f, 0x1.13b13cp1f, 0x1.627632p1f, 0x1.b13aeep1f, 0x1.00005ap2f, 0x1.3b11fap2f, 0x1.89c0ep2f, 0x1.d8707ap2f, 0x1.154246p3f};
  alignas(64) static constexpr float kValue[16] = {0.f, 0x1.d0667ep-3f, 0x1.778292p-2f, 0x1.f7a08ep-2f, 0x1.4affbap-1f, 0x1.95885cp-1f, 0x1.c392a2p-1f, 0x1.de6efcp-1f, 0x1.f2653cp-1f, 0x1.fbfd24p-1f, 0x1.fed34p-1f, 0x1.ffa818p-1f, 0x1.fff21ep-1f, 0x1.fffedp-1f, 0x1.ffffe6p-1f, 0x1.fffffep-1f};  // tanh(kCentre)
  // kCoefficient[k] is that of t^(k+1).
  alignas(64) static constexpr float kCoefficient[kDegree][16] = {
    {0.f, 0x1.e5ac62p-1f, 0x1.bb2606p-1f, 0x1.8426f6p-1f, 0x1.2a03dcp-1f, 0x1.7d9744p-2f, 0x1.c6e40ap-3f, 0x1.03bab6p-3f, 0x1.ad8fc6p-5f, 0x1.ff6b3ap-7f, 0x1.2c67c2p-8f, 0x1.5f81ecp-10f, 0x1.bc42ep-13f, 0x1.3005c2p-16f, 0x1.a00844p-20f, 0x1.fffe5ap-24f},
    {0.f, -0x1.b88574p-3f, -0x1.450364p-2f, -0x1.7dce0ep-2f, -0x1.8152bp-2f, -0x1.2e3dc8p-2f, -0x1.913434p-3f, -0x1.e56756p-4f, -0x1.a225c4p-5f, -0x1.fb69c8p-7f, -0x1.2bb7dap-8f, -0x1.5f45a6p-10f, -0x1.bc3212p-13f, -0x1.30014ep-16f, -0x1.a0021ep-20f, -0x1.000d9ep-23f},
    {-0x1.55542ep-2f, -0x1.11d424p-2f, -0x1.6078aap-3f, -0x1.1bf98ep-4f, 0x1.93531cp-5f, 0x1.c0c8a2p-4f, 0x1.9473f8p-4f, 0x1.186de4p-4f, 0x1.07de0cp-5f, 0x1.4cefd6p-7f, 0x1.8dbc46p-9f, 0x1.d3aa5ap-11f, 0x1.275428p-13f, 0x1.945162p-17f, 0x1.14a59ap-20f, 0x1.557994p-24f},
    {-0x1.ac12b8p-13f, 0x1.0f1408p-3f, 0x1.5a0d74p-3f, 0x1.448342p-3f, 0x1.7f69d4p-4f, 0x1.7c4eb6p-7f, -0x1.64d682p-6f, -0x1.90d32ep-6f, -0x1.d5e6dp-7f, -0x1.42612cp-8f, -0x1.89e66cp-10f, -0x1.d263e8p-12f, -0x1.2774c2p-14f, -0x1.94b756p-18f, -0x1.14fc6cp-21f, -0x1.5183c8p-25f},
    {0x1.17c772p-3f, 0x1.4445eap-4f, 0x1.b77364p-7f, -0x1.2f50a6p-5f, -0x1.0271f8p-4f, -0x1.3310dap-5f, -0x1.251788p-7f, 0x1.6dab7ep-9f, 0x1.1c918cp-8f, 0x1.e736cep-10f, 0x1.39c9f6p-11f, 0x1.78e3a8p-13f, 0x1.f797d2p-16f, 0x1.5939aep-19f, 0x1.d87816p-23f, 0x1.120576p-26f},
    {-0x1.6a2fb6p-6f, -0x1.2075fcp-4f, -0x1.3467aap-4f, -0x1.919c18p-5f, 0x1.31cd98p-10f, 0x1.37934cp-6f, 0x1.56d87cp-7f, 0x1.5d7d12p-9f, -0x1.30762ep-11f, -0x1.1951aep-11f, -0x1.9ab5d8p-13f, -0x1.f1c694p-15f, -0x1.4b9ea2p-17f, -0x1.c64922p-21f, -0x1.35fc52p-24f, -0x1.edf0bcp-28f},
  };
};

// Relative error of the approximation, before rounding: 2^-56.1.
template <>
struct TanhTable<double> {
  static constexpr double kScale = 1.5625;
  static constexpr double kLimit = 19.125;  // tanh(kLimit) rounds to 1
  static constexpr int kDegree = 14;
  alignas(64) static constexpr double kCentre[16] = {0.0, 0x1.eb851eb851ebap-2, 0x1.99999999999c9p-1, 0x1.1eb851eb8540fp0, 0x1.999999999999bp0, 0x1.1eb851eb85206p1, 0x1.70a3d70a3d70fp1, 0x1.c28f5c28f5c08p1, 0x1.1eb851eb8520ap2, 0x1.70a3d70a3d9dbp2, 0x1.c28f5c28f6211p2, 0x1.0a3d70a3e0e6cp3, 0x1.47ae147e0bde6p3, 0x1.99999c0559968p3, 0x1.eb82c36981b36p3, 0x1.1e9067763b478p4};
  alignas(64) static constexpr double kValue[16] = {0.0, 0x1.c8f415c045195p-2, 0x1.53fca0a748a5bp-1, 0x1.9d79ac4bf1662p-1, 0x1.d7e4f0d5dad3p-1, 0x1.f4864ecd5e34dp-1, 0x1.fcc88cbeb005cp-1, 0x1.ff1a879bf50a8p-1, 0x1.ffde5539917cbp-1, 0x1.fffd65a61bda2p-1, 0x1.ffffcc7cc7f8bp-1, 0x1.fffffc0490934p-1, 0x1.ffffffea16b2bp-1, 0x1.ffffffffde7a9p-1, 0x1.ffffffffffccbp-1, 0x1.ffffffffffffbp-1};  // tanh(kCentre)
  // kCoefficient[k] is that of t^(k+1).
  alignas(64) static constexpr double kCoefficient[kDegree][16] = {
    {0.0, 0x1.9a0b3139322f2p-1, 0x1.1e3c7a9c23b85p-1, 0x1.642e303ea35c2p-2, 0x1.34478a1e6a971p-3, 0x1.6b18adb9860a8p-5, 0x1.9a6e89dfc2a0cp-7, 0x1.ca89efc81e39ep-9, 0x1.0d4d5881f1256p-11, 0x1.4d2c1943f530bp-15, 0x1.9c19ab7f68dfcp-19, 0x1.fdb7b4648e05dp-23, 0x1.5e94d4fad9abep-28, 0x1.0c2b8001c3cfap-35, 0x1.9a800002c0c1fp-43, 0x1.400000015ffeap-50},
    {0.0, -0x1.6df57297d701fp-2, -0x1.7c248d864c502p-2, -0x1.1fa3e6b1467c8p-2, -0x1.1c21a86cc8db8p-3, -0x1.62f558ff0b1b7p-5, -0x1.97da70ccf44e5p-7, -0x1.c9bc6d447268bp-9, -0x1.0d3ba332af5cfp-11, -0x1.4d2a67a719ab9p-15, -0x1.9c1982093ca89p-19, -0x1.fdb7b06daa10dp-23, -0x1.5e94d4ea60aa2p-28, -0x1.0c2b8000928e7p-35, -0x1.9a800000fefe7p-43, -0x1.400000027f07ap-50},
    {-0x1.5555555555486p-2, -0x1.b8390cc62e32ep-4, 0x1.ecd6448cdf5d5p-5, 0x1.c6400223735b8p-4, 0x1.3e3aff6820e58p-4, 0x1.c3f0f7b134d86p-6, 0x1.0c7afa1275683p-7, 0x1.3016a199443bcp-9, 0x1.66caf86f23ecap-12, 0x1.bc3405eb930d9p-16, 0x1.12bb74bdedff7p-19, 0x1.53cfc5aa92131p-23, 0x1.d3711b4f01397p-29, 0x1.658f55032d459p-36, 0x1.11aaaa6c0bac5p-43, 0x1.aaaaaa687cca2p-51},
    {-0x1.cdc17ede1fb9dp-40, 0x1.56322260f4678p-3, 0x1.5739e21f3c2b3p-4, 0x1.0ae9ee0157d45p-8, -0x1.9f873132fb5b4p-6, -0x1.9a589db1ae7d6p-7, -0x1.05af660d4a80fp-8, -0x1.2df4671a1e5d9p-10, -0x1.666c926d0f82bp-13, -0x1.bc2afd67ba606p-17, -0x1.12bb062d8bb0cp-20, -0x1.53cfbb182e269p-24, -0x1.d3711b33c2735p-30, -0x1.658f552b2bf54p-37, -0x1.11aaaa8be36a6p-44, -0x1.aaaaaa1a31d79p-52},
    {0x1.111111144a0f1p-3, -0x1.57123a1cabed3p-6, -0x1.032af58524b27p-4, -0x1.0a74d01ffd5a2p-5, 0x1.af44ae829caf3p-11, 0x1.0842a8cae4d9fp-8, 0x1.8d2eb8ea7beb9p-10, 0x1.dc51e14bbcf2ap-12, 0x1.1e26491050c3cp-14, 0x1.634723a156e6ap-18, 0x1.b79041b142d7bp-22, 0x1.0fd951916ecebp-25, 0x1.75f4206be268cp-31, 0x1.1e0c4cab69074p-38, 0x1.b5ddeabbc0348p-46, 0x1.55555c8b0a91cp-53},
    {-0x1.935f7b98b4fa9p-29, -0x1.bcc61710f47dbp-5, 0x1.7e5d517dc4b46p-8, 0x1.31d947b163c7ep-6, 0x1.2e4d77a499001p-8, -0x1.7f047664a33a5p-11, -0x1.d91fb29762a19p-12, -0x1.34828c18308c1p-13, -0x1.7bf60cd36248ep-16, -0x1.d98da5985b439p-20, -0x1.2508feb9e17ffp-23, -0x1.6a76ea52a6682p-27, -0x1.f29acebfbbd51p-33, -0x1.7d65b71ba6f2bp-40, -0x1.23e9439f7fb12p-47, -0x1.c71c87a54e4f6p-55},
    {-0x1.ba1b82fc91a6fp-5, 0x1.bc6931904259ap-6, 0x1.1c997ffc53523p-6, -0x1.48516c66eaefdp-9, -0x1.98a4c7541af4ep-9, -0x1.d07f9704008bbp-14, 0x1.9eca763f96cf2p-14, 0x1.4c10be8bddc0ep-15, 0x1.aea7131c6dafdp-18, 0x1.0e6e0a6f175e7p-21, 0x1.4ee17e138572ep-25, 0x1.9e3e5a2fcf6f8p-29, 0x1.1ce9ba1470645p-34, 0x1.b3e06886804a5p-42, 0x1.4d9bafb06eb8ap-49, 0x1.040f8f7e02d5fp-56},
    {-0x1.90c83092a6f1cp-21, 0x1.56dad40ba577p-7, -0x1.62eefbb6a9048p-7, -0x1.ccabf3242e8fdp-9, 0x1.176cfc0babea8p-10, 0x1.5a724343db1fap-13, -0x1.5852fd093e308p-17, -0x1.2370f82d88296p-17, -0x1.a77c5820da145p-20, -0x1.0e15f881a0089p-23, -0x1.4ed9118b198d8p-27, -0x1.9e3d8b915e86ap-31, -0x1.1cea065e207ddp-36, -0x1.b3e0e1d6824dbp-44, -0x1.4d9c10b5e447ap-51, -0x1.040eb6c489d33p-58},
    {0x1.666ba925ac551p-6, -0x1.c382c135fe093p-7, -0x1.a7da56f782eeep-17, 0x1.6d9aee76a5845p-9, -0x1.e26d60331e552p-15, -0x1.6034b0c9d505ep-14, -0x1.fc58174854f67p-19, 0x1.77dd8afbb6fa3p-20, 0x1.6bb63505f23b9p-22, 0x1.deee66b969883p-26, 0x1.2995ee57dec94p-29, 0x1.7035c8d1eb924p-33, 0x1.fab401f87ae3bp-39, 0x1.83979ff87c621p-46, 0x1.28a712dc951b8p-53, 0x1.ce78dc3308e11p-61},
    {-0x1.6cfad008ec526p-15, 0x1.0cc6c3f910c06p-10, 0x1.c9cb2cbe78d06p-9, -0x1.81335b3918e8ap-11, -0x1.7009405874cddp-13, 0x1.d7d50dc8efdb6p-16, 0x1.8f348d7b7aabbp-19, -0x1.3ad16e631d67fp-24, -0x1.0eb10c824c68bp-24, -0x1.7d300e6855528p-28, -0x1.dbf32c0e59721p-32, -0x1.268f3613c2ec8p-35, -0x1.9553fc4fb1304p-41, -0x1.360c34e531d54p-48, -0x1.da9a276108fa5p-56, -0x1.7217f189b312ap-63},
    {-0x1.1be3990a3e32ep-7, 0x1.36d13db6c2007p-8, -0x1.d642e10064ba5p-10, -0x1.41ae3d4301a83p-12, 0x1.02cf074b6ac8fp-13, -0x1.7901fdac6df8ap-18, -0x1.4bade55cdcaap-20, -0x1.fe1eed2d74c39p-25, 0x1.4fbc1fdee9487p-27, 0x1.124bd27a5f92fp-30, 0x1.59b68687f1489p-34, 0x1.ac387b7d55289p-38, 0x1.245d0e9f4a3c2p-43, 0x1.bf46965a741d8p-51, 0x1.56553e3f5d221p-58, 0x1.0b243e296c50ap-65},
    {-0x1.53322128ceb7fp-11, -0x1.0ee4d839e4a14p-9, -0x1.a3eb8e2049b0cp-13, 0x1.9c6b27d4e6235p-12, -0x1.6d8c8be55c44cp-15, -0x1.ab9d0724d9963p-22, 0x1.9a717fec9dc52p-22, 0x1.2f4ac0f7d27e9p-25, -0x1.251c9a7b0d156p-30, -0x1.66388f4939403p-33, -0x1.cc3a85e870a78p-37, -0x1.1d6e9dfe57fb2p-40, -0x1.864c422dda862p-46, -0x1.2a8d2f2c02bc4p-53, -0x1.c909db3ceebe9p-61, -0x1.62381a8c0b51bp-68},
    {0x1.496c1e7fac73fp-8, -0x1.0c3a33b9b7874p-10, 0x1.5ff3e86571c6cp-11, -0x1.42f7777c37555p-13, 0x1.5b781fb2ea86cp-20, 0x1.1cd768c60ba58p-20, -0x1.83e7f3d32fb51p-24, -0x1.967cf287d3f16p-27, -0x1.60ff2d72ec72bp-35, 0x1.af53368193ed8p-36, 0x1.22a9652354bbap-39, 0x1.69cd874b505f9p-43, 0x1.0fb356064d821p-48, 0x1.9fab5f8602ee1p-56, 0x1.3e23feda6c992p-63, 0x1.ec2d25cedd402p-71},
    {-0x1.088e3a20f0443p-9, 0x1.1f770bcb44654p-10, -0x1.228f25bd57d71p-12, -0x1.0facee0cf9b25p-13, 0x1.ed6d29eb04794p-18, -0x1.28d3b340cbfc3p-21, 0x1.33589cd14b92dp-26, -0x1.afda98d549eb3p-29, 0x1.02700b0cd25ffp-34, -0x1.bc8bb7242a50cp-39, -0x1.49e307ecc5702p-42, -0x1.9dcb6e8df8ff9p-46, -0x1.33d8e7133deep-51, -0x1.d6fa3070aaa02p-59, -0x1.68476112274fcp-66, -0x1.26362f4294d25p-73},
  };
};

}  // namespace
}  // namespace fastnn::FASTNN_ISA
// clang-format on
