#include "CSentencePiece.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sentencepiece_processor.h>
#include <string>
#include <vector>

struct sluice_pieces {
  sentencepiece::SentencePieceProcessor processor;
};

namespace {

/// Length in bytes of the character that starts with this byte of valid UTF-8.
size_t character_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first < 0xE0) return 2;
  return first < 0xF0 ? 3 : 4;
}

/// The ids of the characters of a piece, each on its own.
void spell(const sentencepiece::SentencePieceProcessor &processor, const std::string &piece,
           std::vector<int> &ids) {
  for (size_t start = 0; start < piece.size();) {
    const size_t length =
        std::min(character_length(static_cast<unsigned char>(piece[start])), piece.size() - start);
    ids.push_back(processor.PieceToId(piece.substr(start, length)));
    start += length;
  }
}

}  // namespace

sluice_pieces *sluice_pieces_load(const uint8_t *model, size_t length) {
  try {
    auto pieces = new sluice_pieces;
    const std::string serialized(reinterpret_cast<const char *>(model), length);
    if (pieces->processor.LoadFromSerializedProto(serialized).ok()) return pieces;
    delete pieces;
  } catch (...) {
  }
  return nullptr;
}

void sluice_pieces_free(sluice_pieces *pieces) { delete pieces; }

int32_t sluice_pieces_count(const sluice_pieces *pieces) {
  return pieces->processor.GetPieceSize();
}

int32_t sluice_pieces_id(const sluice_pieces *pieces, const char *piece) {
  const int id = pieces->processor.PieceToId(piece);
  return pieces->processor.IdToPiece(id) == piece ? id : -1;
}

int32_t sluice_pieces_unknown(const sluice_pieces *pieces) { return pieces->processor.unk_id(); }

int32_t *sluice_pieces_encode(const sluice_pieces *pieces, const uint8_t *text, size_t length,
                              const int32_t *forbidden, size_t forbidden_count, size_t *count) {
  *count = 0;
  try {
    const auto &processor = pieces->processor;
    std::vector<int> ids;
    if (!processor.Encode({reinterpret_cast<const char *>(text), length}, &ids).ok()) {
      return nullptr;
    }
    const auto is_forbidden = [&](int id) {
      return std::find(forbidden, forbidden + forbidden_count, id) != forbidden + forbidden_count;
    };
    if (std::any_of(ids.begin(), ids.end(), is_forbidden)) {
      std::vector<int> spelled;
      for (const int id : ids) {
        if (is_forbidden(id)) {
          spell(processor, processor.IdToPiece(id), spelled);
        } else {
          spelled.push_back(id);
        }
      }
      ids.swap(spelled);
    }
    auto result = static_cast<int32_t *>(std::malloc(std::max<size_t>(1, ids.size()) * 4));
    if (result == nullptr) return nullptr;
    std::copy(ids.begin(), ids.end(), result);
    *count = ids.size();
    return result;
  } catch (...) {
    return nullptr;
  }
}
