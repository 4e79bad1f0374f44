/* Addresses and networks: parsed with inet_pton, compared bit by bit. An IPv4 address written as IPv6 is the IPv4 address, so that
   a rule for one is not walked around through the other. */
#include "directory/model/record.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
#define V4_MAPPED_BITS 96

enum ck_error ck_address_parse(struct ck_text text, struct ck_network *out)
{
	char string[INET6_ADDRSTRLEN];
	struct ck_network network = {0};
	memset(out, 0, sizeof *out);
	if (ck_text_copy(string, sizeof string, text) != CK_OK) return CK_ERR_INVALID;
	if (inet_pton(AF_INET, string, network.address) == 1) {
		network.family = 4;
		network.prefix_bits = 32;
	} else if (inet_pton(AF_INET6, string, network.address) == 1) {
		network.family = 6;
		network.prefix_bits = 128;
	} else {
		return CK_ERR_INVALID;
	}
	if (network.family == 6 && memcmp(network.address, v4_mapped, sizeof v4_mapped) == 0) {
		uint8_t v4[4];
		memcpy(v4, network.address + sizeof v4_mapped, sizeof v4);
		memset(network.address, 0, sizeof network.address);
		memcpy(network.address, v4, sizeof v4);
		network.family = 4;
		network.prefix_bits = 32;
	}
	*out = network;
	return CK_OK;
}

static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	if (memcmp(a, b, whole) != 0) return false;
	return rest == 0 || (uint8_t)(a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool host_bits_are_zero(const struct ck_network *network)
{
	struct ck_network masked = {0};
	unsigned whole = network->prefix_bits / 8, rest = network->prefix_bits % 8;
	memcpy(masked.address, network->address, whole);
	if (rest != 0) masked.address[whole] = (uint8_t)(network->address[whole] & (0xff << (8 - rest)));
	return memcmp(masked.address, network->address, sizeof masked.address) == 0;
}

enum ck_error ck_network_parse(struct ck_text text, struct ck_network *out)
{
	memset(out, 0, sizeof *out);
	const char *slash = text.length > 0 ? memchr(text.at, '/', text.length) : NULL;
	if (slash == NULL) return ck_address_parse(text, out);

	struct ck_text address = {text.at, (size_t)(slash - text.at)};
	struct ck_text prefix = {slash + 1, text.length - address.length - 1};
	struct ck_network network;
	uint64_t bits = 0;
	if (ck_address_parse(address, &network) != CK_OK) return CK_ERR_INVALID;
	bool mapped = network.family == 4 && memchr(address.at, ':', address.length) != NULL;
	uint64_t least = mapped ? V4_MAPPED_BITS : 0;
	if (ck_uint_parse(prefix, least, least + network.prefix_bits, &bits) != CK_OK) return CK_ERR_INVALID;
	network.prefix_bits = (uint8_t)(bits - least);
	if (!host_bits_are_zero(&network)) return CK_ERR_INVALID;
	*out = network;
	return CK_OK;
}

bool ck_networks_match(const struct ck_networks *networks, const struct ck_source *source)
{
	if (networks->any) return true;
	if (source->local) return networks->local;
	if (!source->present) return false;
	for (size_t i = 0; i < networks->count; i++) {
		const struct ck_network *network = &networks->at[i];
		if (network->family != 0 && network->family == source->address.family &&
		    bits_equal(network->address, source->address.address, network->prefix_bits))
			return true;
	}
	return false;
}

const char *ck_network_format(const struct ck_network *network, char out[CK_NETWORK_TEXT_BYTES])
{
	char address[INET6_ADDRSTRLEN];
	bool v4 = network->family == 4;
	if ((!v4 && network->family != 6) || inet_ntop(v4 ? AF_INET : AF_INET6, network->address, address, sizeof address) == NULL) {
		memcpy(out, "invalid", sizeof "invalid");
		return out;
	}
	if (network->prefix_bits == (v4 ? 32 : 128))
		snprintf(out, CK_NETWORK_TEXT_BYTES, "%s", address);
	else
		snprintf(out, CK_NETWORK_TEXT_BYTES, "%s/%u", address, (unsigned)network->prefix_bits);
	return out;
}
