"""500 texts of one to four words in many scripts, as people type them into a search box.

    python3 short_texts.py > short_texts.txt

The same lines on every machine and with every version of Python: a list of words for each script,
and a linear congruential generator of its own.
"""

SCRIPTS = {
    "Latin, English": "ok yes no thanks you hello please help weather news coffee cheap hotel near me "
    "flight to paris how what why best pizza python error music free map time now price book doctor "
    "garden red shoes history moon water recipe train station",
    "Latin, others": "bonjour merci école où garçon straße müller über größe danke señor mañana "
    "niño qué ação coração não żółty łódź źdźbło řeka děkuji ışık günaydın şehir fjord ångström smörgås "
    "tiếng việt cảm ơn phở þing mamma ciao perché città",
    "Cyrillic": "привет спасибо да нет погода новости город дешёвый отель время книга вода "
    "москва київ дякую їжак здравей време книга хвала ћирилица",
    "Greek": "γεια σας ευχαριστώ ναι όχι καιρός νέα πόλη νερό βιβλίο θάλασσα ώρα ψωμί φως",
    "Arabic": "مرحبا شكرا نعم لا الطقس أخبار مدينة ماء كتاب بيت شمس قمر سلام خبز",
    "Hebrew": "שלום תודה כן לא מזג אוויר חדשות עיר מים ספר בית שמש לחם",
    "Devanagari": "नमस्ते धन्यवाद हाँ नहीं मौसम समाचार शहर पानी किताब घर सूरज रोटी",
    "Han": "你好 谢谢 是 不 天气 新闻 城市 水 书 家 太阳 月亮 火车站 便宜 酒店 時間 圖書館",
    "Kana": "こんにちは ありがとう はい いいえ てんき ニュース まち みず ほん コーヒー ホテル 東京 駅",
    "Hangul": "안녕하세요 감사합니다 네 아니요 날씨 뉴스 도시 물 책 집 커피 호텔 서울 역",
    "Thai": "สวัสดี ขอบคุณ ใช่ ไม่ อากาศ ข่าว เมือง น้ำ หนังสือ บ้าน กาแฟ โรงแรม",
    "Bengali, Tamil, Georgian, Armenian": "নমস্কার ধন্যবাদ জল বই வணக்கம் நன்றி தண்ணீர் გამარჯობა მადლობა წყალი "
    "բարեւ շնորհակալություն ջուր",
    "Emoji": "🙂 👍 🎉 🔥 ❤️ 👨‍👩‍👧 🇫🇷 👋🏽 ☕ 🚀",
    "Punctuation and numbers": "? ! ... -- :) & # @ $5 100% 2024 3.14 24/7 c++ .net a/b (1) “x” — « » … 42 1,000",
}
# Alone, whatever else is drawn.
ALWAYS = [
    "thank you", "ok", "...", "ok ok ok", "no no no no", "?", "!!!", "a", "I", "the", "hi hi", "yes yes yes",
    "你", "你你你", "да да", "👍👍👍", "🙂 🙂", "1", "1 1 1 1", "-", "test", "TEST test", "x y z", "re: re:",
]
COUNT = 500


def lines():
    state = 20_261_130

    def below(limit):
        nonlocal state
        state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        return (state >> 33) % limit

    scripts = [words.split() for words in SCRIPTS.values()]
    seen = set(ALWAYS)
    yield from ALWAYS
    while len(seen) < COUNT:
        # English every third time, another script otherwise; now and then two scripts in one text.
        words = scripts[0] if below(3) == 0 else scripts[1 + below(len(scripts) - 1)]
        text = [words[below(len(words))] for _ in range(1 + below(4))]
        if below(10) == 0:
            text[-1] = scripts[0][below(len(scripts[0]))]
        if below(12) == 0:
            text = [text[0]] * len(text)
        line = " ".join(text)
        if line not in seen:
            seen.add(line)
            yield line


if __name__ == "__main__":
    import sys

    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    print("\n".join(lines()))
